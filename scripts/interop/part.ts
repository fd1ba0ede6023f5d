/**
 * What `npm run interop` is made of. Each `*.part.ts` below this folder exports a `part`: programs
 * of one kind, which are installed, tried against the running service, and told of in one table of
 * docs/compatibility.md. A further part needs nothing but its file.
 */
import type { SigningAlg } from '../../src/config/signing-key-policy.ts';

export interface Part {
  /** Names it to `--only`. */
  name: string;
  /** Of its table. Tables stand in the order of the files' paths. */
  heading: string;
  columns: readonly string[];
  /**
   * Installs what it needs: into `folder`, an empty one of its own, or by apt-get. Throws a
   * sentence that says what is missing.
   */
  prepare(folder: string): Promise<void> | void;
  /** A row for each program. The services run beside each other, one for each algorithm. */
  try(services: readonly TriedService[], folder: string): Promise<Row[]>;
}

export interface Row {
  /** In Markdown, one for each column. */
  cells: readonly string[];
  /** What must not be, in a sentence each: the command fails then, and writes nothing. */
  faults: readonly string[];
}

/** The real service under `npm start`, whose access tokens are signed by `alg`. */
export interface TriedService {
  alg: SigningAlg;
  /** Where everything is found that a client is told. */
  issuer: string;
  audience: string;
  /** A backend of it, which may introspect. */
  client: { id: string; secret: string };
  tokens: readonly TriedToken[];
  /**
   * While `run` runs, the JWKS has keys of the other algorithms too, as while the algorithm
   * changes.
   */
  withOtherKeys<T>(run: () => Promise<T>): Promise<T>;
}

export interface TriedToken {
  /** What is wrong with it; "good" where nothing is. */
  name: string;
  token: string;
  /** null: it depends on whether a program looks at `typ`. */
  isGood: boolean | null;
  sub: string;
}
