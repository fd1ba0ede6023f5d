/** The parts of Bowser that risk/bowser.ts takes, which come without types. */
declare module 'bowser/src/parser-browsers.js' {
  const parsers: readonly import('./bowser').Descriptor[];
  export default parsers;
}

declare module 'bowser/src/parser-os.js' {
  const parsers: readonly import('./bowser').Descriptor[];
  export default parsers;
}
