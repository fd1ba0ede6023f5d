/** The finding of a check, and what to do about it. */
export interface Finding {
  /** The name of the check. */
  check: string;
  /** `problem`: it has to be mended; `note`: it is good to know; `skipped`: nobody could look. */
  status: 'ok' | 'problem' | 'note' | 'skipped';
  detail: string;
  /** The advice; undefined where there is nothing to do. */
  advice?: string;
}

/** Findings of one check. */
export function about(check: string) {
  const found =
    (status: Finding['status']) =>
    (detail: string, advice?: string): Finding => ({
      check,
      status,
      detail,
      ...(advice !== undefined && { advice }),
    });
  return {
    ok: found('ok'),
    problem: found('problem'),
    note: found('note'),
    skipped: found('skipped'),
  };
}
