/**
 * Preloaded by every script of package.json that is TypeScript, which an older Node meets with
 * ERR_UNKNOWN_FILE_EXTENSION. Written so that any Node reads it.
 */
if (!process.features.typescript) {
  const script = process.env.npm_lifecycle_event;
  const command =
    script === undefined ? 'this' : script === 'start' ? 'npm start' : `npm run ${script}`;
  const brought =
    process.platform === 'linux'
      ? ', or install what npm brings one with: npm ci --include=optional'
      : '';
  console.error(
    `${command} needs Node 22.18 or later, and this is ${process.version}: https://nodejs.org/en/download${brought}`,
  );
  process.exit(1);
}
