/**
 * What an editor shows of the package: every function, option and member that can be imported has a
 * doc comment in the declarations, each overload its own, and none is of type `any`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Comment, type Node, parseSync, type Statement, Visitor } from 'oxc-parser';
import { expect, inject, it } from 'vitest';

const { newest } = inject('installed');
const PACKAGE = join(newest, 'node_modules/edge-sessions');

interface Module {
  file: string;
  text: string;
  body: Statement[];
  comments: Comment[];
  /** How often a type in it is `any`. */
  anys: number;
}

const modules = new Map<string, Module>();

function load(file: string): Module {
  const known = modules.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(join(PACKAGE, file), 'utf8');
  const { program, comments, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const module = { file, text, body: program.body, comments, anys: 0 };
  new Visitor({
    TSAnyKeyword() {
      module.anys += 1;
    },
  }).visit(program);
  modules.set(file, module);
  return module;
}

const isDocumented = ({ text, comments }: Module, { start }: Node) =>
  comments.some(
    ({ value, end }) =>
      end <= start && value.startsWith('*') && text.slice(end, start).trim() === '',
  );

const MEMBERS = ['TSPropertySignature', 'TSMethodSignature', 'PropertyDefinition'];
MEMBERS.push('MethodDefinition', 'TSAbstractMethodDefinition');

/** The parts of a declaration that have to say what they are: itself, and its members. */
function partsOf(declaration: Node): Node[] {
  switch (declaration.type) {
    case 'TSInterfaceDeclaration':
    case 'ClassDeclaration':
      return declaration.body.body;
    case 'TSTypeAliasDeclaration':
      return membersOf(declaration.typeAnnotation);
    case 'VariableDeclaration':
      return declaration.declarations.flatMap(({ id }) =>
        membersOf(id.type === 'Identifier' ? id.typeAnnotation?.typeAnnotation : null),
      );
    default:
      return [];
  }
}

const membersOf = (type: Node | null | undefined) =>
  type?.type === 'TSTypeLiteral' ? type.members : [];

/** The names that a declaration gives; those of overloads are the same. */
function namesOf(declaration: Node): string[] {
  if (declaration.type === 'VariableDeclaration')
    return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? id.name : []));
  return 'id' in declaration && declaration.id?.type === 'Identifier' ? [declaration.id.name] : [];
}

/** What of a declaration says nothing of itself. */
function findSilent(module: Module, name: string, statement: Node, declaration: Node): string[] {
  const silent = isDocumented(module, statement) ? [] : [`${module.file}: ${name}`];
  for (const part of partsOf(declaration)) {
    if (!MEMBERS.includes(part.type) || isDocumented(module, part)) continue;
    const key = 'key' in part ? part.key : null;
    if (key?.type !== 'PrivateIdentifier')
      silent.push(`${module.file}: ${name}.${key && 'name' in key ? key.name : part.type}`);
  }
  return silent;
}

/** What a module exports, or one name of it, wherever it comes from. */
function findSilentExports(file: string, only: string | null = null): string[] {
  const module = load(file);
  const follow = (source: string, name: string | null) =>
    findSilentExports(join(dirname(file), source.replace(/\.js$/, '.d.ts')), name);
  const local = (name: string): string[] =>
    module.body.flatMap((statement) => {
      const declaration = 'declaration' in statement ? statement.declaration : statement;
      return declaration && namesOf(declaration).includes(name)
        ? findSilent(module, name, statement, declaration)
        : [];
    });
  const imported = (name: string): string[] | null => {
    for (const statement of module.body)
      if (statement.type === 'ImportDeclaration')
        for (const specifier of statement.specifiers)
          if (specifier.local.name === name && specifier.type === 'ImportSpecifier')
            return follow(statement.source.value, nameIn(specifier.imported));
    return null;
  };
  return module.body.flatMap((statement) => {
    switch (statement.type) {
      case 'ExportAllDeclaration':
        return follow(statement.source.value, only);
      case 'ExportDefaultDeclaration':
        return only === null && statement.declaration.type === 'Identifier'
          ? local(statement.declaration.name)
          : [];
      case 'ExportNamedDeclaration': {
        const { declaration, source, specifiers } = statement;
        const names = declaration ? namesOf(declaration) : [];
        return [
          ...names
            .filter((name) => only === null || name === only)
            .flatMap((name) => findSilent(module, name, statement, declaration as Node)),
          ...specifiers.flatMap((specifier) => {
            const name = nameIn(specifier.local);
            if (only !== null && nameIn(specifier.exported) !== only) return [];
            return source ? follow(source.value, name) : (imported(name) ?? local(name));
          }),
        ];
      }
      default:
        return [];
    }
  });
}

const nameIn = (name: Node) => ('name' in name ? String(name.name) : '');

const { exports } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as {
  exports: Record<string, { types?: string }>;
};
const entries = Object.entries(exports).flatMap(([entry, { types }]) =>
  types === undefined ? [] : [[entry, types] as const],
);

it.each(entries)('%s says what each of its functions, options and members is', (_, types) => {
  expect(existsSync(join(PACKAGE, types))).toBe(true);
  expect([...new Set(findSilentExports(join(types)))]).toEqual([]);
});

it('a declaration that says nothing is found, and an `any`', () => {
  const source = `/** One. */ export declare function a(x: any): void;
    export declare function a(x: string): void; /** Two. */ export interface B { c: 1 }`;
  const { program, comments } = parseSync('x.d.ts', source);
  const module = { file: 'x', text: source, body: program.body, comments, anys: 0 };
  const found = program.body.flatMap((statement) =>
    'declaration' in statement && statement.declaration
      ? findSilent(
          module,
          namesOf(statement.declaration)[0] ?? '',
          statement,
          statement.declaration,
        )
      : [],
  );
  expect(found).toEqual(['x: a', 'x: B.c']);
});

it('nothing that is exported is `any`', () => {
  for (const [, types] of entries) findSilentExports(join(types));
  const read = [...modules.values()];
  expect(read.length).toBeGreaterThan(15);
  expect(read.filter(({ anys }) => anys > 0).map(({ file }) => file)).toEqual([]);
});
