import { verdictMarks, verdictWords } from '../model/explain.ts';
import type { Verdict } from '../model/flow.ts';

/** A verdict by colour, mark and word. */
export function VerdictMark({ verdict }: { readonly verdict: Verdict | 'mixed' }) {
  return (
    <span class={`verdict ${verdict}`}>
      <span class="mark" aria-hidden="true">
        {verdictMarks[verdict]}
      </span>{' '}
      {verdictWords[verdict]}
    </span>
  );
}
