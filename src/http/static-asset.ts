/** Static files of the Worker, which it reads by its binding `ASSETS`. */

/** null: there is none, or what there is belongs to somebody else. `kind`: of its media type. */
export async function findAsset(
  assets: Pick<Fetcher, 'fetch'> | null,
  path: string,
  kind: string,
): Promise<Response | null> {
  const response = await assets?.fetch(`https://assets.local/edge-sessions/${path}`);
  if (response?.ok && response.headers.get('content-type')?.includes(kind)) return response;
  await response?.body?.cancel();
  return null;
}
