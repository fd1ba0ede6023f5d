/** `wrangler.toml`, whose syntax tree says where each value stands. */
import { type AST, getStaticTOMLValue, type ParseError, parseTOML } from 'toml-eslint-parser';
import type { SettingPath } from './setting-path.ts';

/** Throws with the line of the mistake. */
export function parseToml(text: string): unknown {
  try {
    return getStaticTOMLValue(parseTOML(text));
  } catch (error) {
    const { message, lineNumber } = error as ParseError;
    throw new Error(lineNumber === undefined ? message : `${message} in line ${lineNumber}`);
  }
}

/** A `key = value`, and the keys that lead to it. */
interface Entry {
  path: SettingPath;
  /** The path of the block that it stands in. */
  block: SettingPath;
  keyValue: AST.TOMLKeyValue;
  isInline: boolean;
}

/**
 * The text with one more value, or another one, and all else as it is. null: it would have to go
 * into a table that is written in one line.
 */
export function withTomlValue(
  text: string,
  path: SettingPath,
  value: string,
  after?: string,
): string | null {
  const [top] = parseTOML(text).body;
  const entries = readEntries(top);
  const there = entries.find((entry) => isSame(entry.path, path));
  if (there !== undefined) {
    const [from, to] = there.keyValue.value.range;
    return text.slice(0, from) + toTomlString(value) + text.slice(to);
  }
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const parent = path.slice(0, -1);
  const siblings = entries.filter((entry) => isSame(entry.path.slice(0, -1), parent));
  const sibling = siblings.find((entry) => entry.path.at(-1) === after) ?? siblings.at(-1);
  if (sibling !== undefined) {
    if (sibling.isInline) return null;
    const key = toKey(path.slice(sibling.block.length));
    return insertBelow(text, sibling.keyValue.range, `${key} = ${toTomlString(value)}`, eol);
  }
  const line = `${toKey(path.slice(-1))} = ${toTomlString(value)}`;
  const empty = tablesOf(top).find(({ resolvedKey }) => isSame(resolvedKey, parent));
  if (empty !== undefined) return insertBelow(text, empty.key.range, line, eol);
  // A number is a place in a list of blocks, and this one is not there.
  if (parent.length === 0 || parent.some((key) => typeof key === 'number')) return null;
  const end = text === '' || text.endsWith('\n') ? '' : eol;
  return `${text}${end}${eol}[${toKey(parent)}]${eol}${line}${eol}`;
}

const isSame = (a: SettingPath, b: SettingPath) =>
  a.length === b.length && a.every((key, index) => key === b[index]);

const tablesOf = (top: AST.TOMLTopLevelTable) =>
  top.body.filter((part): part is AST.TOMLTable => part.type === 'TOMLTable');

function readEntries(top: AST.TOMLTopLevelTable): Entry[] {
  return top.body.flatMap((part) =>
    part.type === 'TOMLTable'
      ? part.body.flatMap((keyValue) => readEntry(keyValue, part.resolvedKey, false))
      : readEntry(part, [], false),
  );
}

function readEntry(keyValue: AST.TOMLKeyValue, block: SettingPath, isInline: boolean): Entry[] {
  const keys = keyValue.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
  const path = [...block, ...keys];
  return [{ path, block, keyValue, isInline }, ...readInline(keyValue.value, path)];
}

function readInline(value: AST.TOMLContentNode, path: SettingPath): Entry[] {
  if (value.type === 'TOMLInlineTable')
    return value.body.flatMap((keyValue) => readEntry(keyValue, path, true));
  if (value.type === 'TOMLArray')
    return value.elements.flatMap((element, index) => readInline(element, [...path, index]));
  return [];
}

/** A line of its own below what stands at `range`, as far in as that. */
function insertBelow(text: string, [from, to]: AST.Range, line: string, eol: string): string {
  const [indent = ''] = /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', from - 1) + 1)) ?? [];
  const next = text.indexOf('\n', to);
  return next === -1
    ? `${text}${eol}${indent}${line}${eol}`
    : `${text.slice(0, next + 1)}${indent}${line}${eol}${text.slice(next + 1)}`;
}

const toKey = (path: SettingPath) =>
  path.map((key) => (/^[\w-]+$/.test(String(key)) ? String(key) : JSON.stringify(key))).join('.');

/** JSON, which is full of quotation marks, as the kind of text that takes it as it is. */
function toTomlString(value: string): string {
  if (/["\\]|\n/.test(value)) {
    // Only these characters have to be escaped, or end such a text.
    const isPlain = !/(?![\t\n\r])\p{Cc}/u.test(value);
    if (isPlain && !/['\r\n]/.test(value)) return `'${value}'`;
    if (isPlain && value.includes('\n') && !value.includes("'''") && !value.endsWith("'"))
      return `'''\n${value}'''`;
  }
  return JSON.stringify(value);
}
