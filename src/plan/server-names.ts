import type { JsonObject } from './node-plan.ts';

/** One label, or part of one. */
const part = '[-a-z0-9_]*';
/** One label or more. */
const labels = '[-a-z0-9_]+(?:[.][-a-z0-9_]+)*';

/**
 * Matches the server names that a `serverNames` pattern stands for, which the proxy knows in lower case: `*` is any part of a
 * label, `**` one label or more, and either alone is every name. A name that is absent matches nothing.
 */
export function serverNameMatcher(pattern: string): JsonObject {
  const lower = pattern.toLowerCase();
  if (!lower.includes('*')) return { exact: lower };
  if (lower === '*' || lower === '**') return { safe_regex: { regex: labels } };
  const expressions = lower.split('.').map((label) => (label === '**' ? labels : label.replaceAll('*', part)));
  return { safe_regex: { regex: expressions.join('[.]') } };
}
