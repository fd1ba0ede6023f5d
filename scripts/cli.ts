#!/usr/bin/env node
/**
 * `npx edge-sessions` from the source of this repository, as the package has it built. The service
 * is written for bundlers and imports its modules without the endings of their files; the settings'
 * rules are the service's own, so those imports are read here as a bundler reads them.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      const isMissing = (error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND';
      if (!isMissing || !specifier.startsWith('.')) throw error;
      return next(`${specifier}.ts`, context);
    }
  },
});

await import('../src/cli/bin.ts');
