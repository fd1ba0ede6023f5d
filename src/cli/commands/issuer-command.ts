/** `edge-sessions issuer add`: an entry of TRUSTED_ISSUERS (docs/browsers.md). */
import { InvalidArgumentError } from 'commander';
import { type EnvironmentOptions, newEnvironmentCommand, newGroup, several } from '../command.ts';
import { findLocalOverride, toWhere, writeEntry } from '../settings/add-entry.ts';
import { openTerminal } from '../terminal.ts';

interface Options extends EnvironmentOptions {
  print?: boolean;
  audience: string[];
  client: string[];
  jwksUri?: string;
  nonce?: string;
  maxAge?: number;
}

const addCommand = () =>
  newEnvironmentCommand('add', 'a provider whose ID tokens start sessions', [
    'edge-sessions issuer add https://tenant.eu.auth0.com/ --audience 5fEo1k0x --client web',
    'edge-sessions issuer add https://accounts.google.com --audience 1234.apps.googleusercontent.com --nonce required --print',
  ])
    .argument('<issuer>', 'exactly as in its tokens’ iss')
    .requiredOption('--audience <ids>', 'the client ids that it knows your apps by', several)
    .option('--client <ids>', 'the clients that may bring its tokens (default: all)', several, [])
    .option('--jwks-uri <url>', 'its keys (default: found by its discovery)')
    .option('--nonce <policy>', 'required, optional or sha256')
    .option('--max-age <seconds>', 'how old an ID token may be', toNumber)
    .option('--print', 'print the entry and write nothing')
    .action(add);

export const issuerCommand = () =>
  newGroup('issuer', 'the OpenID providers that sign people in', [addCommand()]);

function toNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number of seconds.');
  return Number(text);
}

async function add(issuer: string, options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const { audience, client, jwksUri, nonce, maxAge } = options;
  const entry = {
    issuer,
    audience: audience.length === 1 ? audience[0] : audience,
    ...(client.length > 0 && { clients: client }),
    ...(jwksUri !== undefined && { jwks_uri: jwksUri }),
    ...(nonce !== undefined && { nonce }),
    ...(maxAge !== undefined && { max_age_seconds: maxAge }),
  };
  if (options.print === true) {
    terminal.answer({ entry, written: null }, JSON.stringify(entry));
    return;
  }
  const written = writeEntry(options.cwd, options.env, 'TRUSTED_ISSUERS', entry);
  terminal.answer({ entry, written }, toWhere(issuer, written));
  const override = findLocalOverride(options.cwd, 'TRUSTED_ISSUERS');
  if (override !== null) terminal.note(`note: ${override}`);
}
