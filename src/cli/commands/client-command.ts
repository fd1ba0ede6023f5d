/**
 * `edge-sessions client add`: an entry of CLIENTS (docs/clients.md), and its secret, which is shown
 * this once and stored nowhere.
 */
import { type EnvironmentOptions, newEnvironmentCommand, newGroup, several } from '../command.ts';
import { MAX_VARIABLE_BYTES } from '../deploy/file-checks.ts';
import { EXIT, Failure } from '../failure.ts';
import { findMistakesOf, makeClient, type NewClient } from '../new-client.ts';
import { findLocalOverride, toWhere, writeEntry } from '../settings/add-entry.ts';
import { openTerminal, type Terminal } from '../terminal.ts';

interface Options extends EnvironmentOptions {
  print?: boolean;
  allow: string[];
  for: string[];
  origin: string[];
  returnUrl: string[];
  scope: string[];
  audience: string[];
  accessToken?: string;
}

const addCommand = () =>
  newEnvironmentCommand('add', 'a new client, written into the settings', [
    'edge-sessions client add web --origin https://app.example.com --return-url https://app.example.com/in',
    'edge-sessions client add web-backend --allow create_sessions,manage_users --for web',
    'edge-sessions client add operator --allow operate --env staging',
    'edge-sessions client add ios-app --print',
  ])
    .argument('<id>', 'its client_id')
    .option('--allow <capabilities>', 'what a backend may do; it then has a secret', several, [])
    .option('--for <clients>', 'the clients that a backend acts for', several, [])
    .option('--origin <url>', 'of the pages of an app', several, [])
    .option('--return-url <url>', 'where a browser may be sent with its session', several, [])
    .option('--scope <scopes>', 'what its sessions are granted', several, [])
    .option('--audience <uris>', 'which APIs its sessions’ tokens may be for', several, [])
    .option('--access-token <place>', 'where a browser has it: memory or cookie')
    .option('--print', 'print the entry and write nothing')
    .action(add);

export const clientCommand = () =>
  newGroup('client', 'the apps and backends that may call', [addCommand()]);

async function add(id: string, options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const client = makeClient(id, {
    allow: options.allow,
    forClients: options.for,
    origins: options.origin,
    returnUrls: options.returnUrl,
    scopes: options.scope,
    audiences: options.audience,
    accessToken: options.accessToken,
  });
  if (options.print === true) print(client, terminal);
  else write(client, options, terminal);
}

function print(client: NewClient, terminal: Terminal): void {
  const mistakes = findMistakesOf(client);
  if (mistakes.length > 0) throw new Failure(mistakes.join('\n'), EXIT.usage);
  const { entry, secret } = client;
  const text = JSON.stringify(entry);
  terminal.answer({ entry, secret, written: null }, text);
  if (terminal.isJson) return;
  terminal.note(
    `The entry has ${Buffer.byteLength(text)} bytes. Add it to CLIENTS, or to CLIENTS_2 and so on: Cloudflare takes ${MAX_VARIABLE_BYTES} for a variable.`,
  );
  if (secret !== null) terminal.note(`Its secret, which is stored nowhere: ${secret}`);
}

function write({ entry, secret }: NewClient, options: Options, terminal: Terminal): void {
  const written = writeEntry(options.cwd, options.env, 'CLIENTS', entry);
  const lines = [
    toWhere(entry.client_id, written),
    ...(secret === null ? [] : [`Its secret, which is stored nowhere: ${secret}`]),
  ];
  terminal.answer({ entry, secret, written }, lines.join('\n'));
  const override = findLocalOverride(options.cwd, 'CLIENTS');
  if (override !== null) terminal.note(`note: ${override}`);
}
