/** Where in a file something stands; lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * One fault in something a user wrote.
 * `path` is the field path inside the object as Kubernetes prints it (`spec.egress[0].toPorts[0].ports[0].port`),
 * `message` says what is wrong, `allowed` what would have been accepted.
 */
export interface Issue {
  readonly path: string;
  readonly message: string;
  readonly allowed?: string;
  readonly position?: SourcePosition;
}

/** `file:line:col: path: message; allowed: …`, leaving out what is not known. */
export function formatIssue(issue: Issue): string {
  const place = issue.position ? `${issue.position.file}:${issue.position.line}:${issue.position.column}: ` : '';
  const path = issue.path === '' ? '' : `${issue.path}: `;
  const allowed = issue.allowed === undefined ? '' : `; allowed: ${issue.allowed}`;
  return `${place}${path}${issue.message}${allowed}`;
}
