/** Adds `URL.parse`, which the service's rules use, to Node 20: Node has it since 22. */
URL.parse ??= (text: string | URL, base?: string | URL): URL | null =>
  URL.canParse(String(text), base === undefined ? undefined : String(base))
    ? new URL(text, base)
    : null;
