import { formatIssue, type Issue, type Result } from '../../base/index.ts';
import { type ApiError, formatApiError } from '../../kube/index.ts';

/** Ends a command with a text for the user and exit code 1. */
export class Failure extends Error {}

/** The value, or the end of the command with the server's words. */
export function need<T>(result: Result<T, ApiError>): T {
  if (result.ok) return result.value;
  throw new Failure(formatApiError(result.error));
}

export function needValid<T>(result: Result<T, Issue>): T {
  if (result.ok) return result.value;
  throw new Failure(`error: ${formatIssue(result.error)}`);
}
