/** The whole service. What it needs is in the package; its settings are in wrangler.toml. */
export { default, Sessions } from 'edge-sessions/worker';
