type PlatformURL = typeof URL;
type PlatformURLSearchParams = typeof URLSearchParams;

/** What the copies of this folder export: `URL` as React Native has it. */
declare module '*/URL.js' {
  export const URL: PlatformURL;
  export const URLSearchParams: PlatformURLSearchParams;
}
