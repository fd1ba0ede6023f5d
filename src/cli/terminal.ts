/**
 * The terminal of a command. Its answer goes to stdout, alone, so that it can be piped; everything
 * else goes to stderr. Questions, colours and moving bars are for a terminal only.
 */
import { styleText } from 'node:util';
import * as clack from '@clack/prompts';
import { EXIT, Failure } from './failure.ts';
import { toPlainJson, toPlainText } from './plain-text.ts';

export interface Terminal {
  /** Whether the answer is to be JSON. */
  isJson: boolean;
  /** Whether somebody is there to be asked. */
  isInteractive: boolean;
  /** The answer: as JSON where that was asked for, else as people read it. */
  answer(value: unknown, text: string): void;
  /** Writes one of many answers, a line each, as they come. */
  line(value: unknown, text: string): void;
  /** Writes something that is good to know beside the answer. */
  note(text: string): void;
  /** Something that takes long. `total` is the number of its steps, where that is known. */
  progress(title: string, total?: number): Progress;
  paint: Paint;
}

export interface Progress {
  /** A step is done, or `count` of them; `text` is what comes next. */
  step(text: string, count?: number): void;
  done(text: string): void;
  failed(text: string): void;
}

export type Paint = (style: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string) => string;

export interface OutputOptions {
  json?: boolean | undefined;
}

export function openTerminal({ json = false }: OutputOptions): Terminal {
  const isInteractive = !json && process.stdin.isTTY === true && process.stderr.isTTY === true;
  const hasColors = !json && process.stdout.isTTY === true && !process.env.NO_COLOR;
  return {
    isJson: json,
    isInteractive,
    answer: (value, text) => print(json ? toPlainJson(JSON.stringify(value, null, 2)) : text),
    line: (value, text) => print(json ? toPlainJson(JSON.stringify(value)) : text),
    note: (text) => console.error(toPlainText(text)),
    progress: (title, total) =>
      isInteractive && !process.env.CI ? movingProgress(title, total) : plainProgress(title),
    paint: (style, text) => (hasColors ? styleText(style, text) : text),
  };
}

function print(text: string): void {
  if (text !== '') console.log(text);
}

/** The progress for logs: one line when it begins, and one when it ends. */
function plainProgress(title: string): Progress {
  console.error(title);
  return { step: () => {}, done: (text) => console.error(text), failed: console.error };
}

/** A bar where the number of steps is known, else something that turns. */
function movingProgress(title: string, total: number | undefined): Progress {
  const output = process.stderr;
  if (total === undefined) {
    const spinner = clack.spinner({ output });
    spinner.start(title);
    return {
      step: (text) => spinner.message(text),
      done: (text) => spinner.stop(text),
      failed: (text) => spinner.error(text),
    };
  }
  const bar = clack.progress({ output, max: total, style: 'block' });
  bar.start(title);
  return {
    step: (text, count = 1) => bar.advance(count, text),
    done: (text) => bar.stop(text),
    failed: (text) => bar.error(text),
  };
}

/** An answer of the person's; whoever stops there stops the command. */
export async function asked<T>(question: Promise<T>): Promise<Exclude<T, symbol>> {
  const answer = await question;
  if (clack.isCancel(answer)) throw new Failure('stopped', EXIT.interrupted);
  return answer as Exclude<T, symbol>;
}
