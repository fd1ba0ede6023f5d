/** The licenses that have to go with the code of others. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './entries.ts';

/** `packages` are the names of those that each part of the package contains. */
export function toThirdParty(packages: Record<string, readonly string[]>): string {
  const names = [...new Set(Object.values(packages).flat())].sort();
  const lists = Object.entries(packages).map(([part, list]) => `- ${part}: ${list.join(', ')}\n`);
  const sections = names.map((name) => {
    const folder = join(ROOT, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const text = readLicense(folder, license);
    return `## ${name} ${version} (${license})\n\n\`\`\`\n${text.trim()}\n\`\`\`\n`;
  });
  return `# Third-party code\n\nThese packages are contained:\n\n${lists.join('')}\n${sections.join('\n')}`;
}

/** Some packages name their license and leave out its text. */
function readLicense(folder: string, license: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e(\.(md|txt))?$/i.test(name));
  const path = file ? join(folder, file) : join(import.meta.dirname, 'licenses', `${license}.txt`);
  if (!existsSync(path)) throw new Error(`There is no text of the license of ${folder}`);
  return readFileSync(path, 'utf8');
}
