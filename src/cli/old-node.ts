/** What Node 20 lacks of what the service's rules are written with: `URL.parse` is from Node 22. */
URL.parse ??= (text: string | URL, base?: string | URL): URL | null =>
  URL.canParse(String(text), base === undefined ? undefined : String(base))
    ? new URL(text, base)
    : null;
