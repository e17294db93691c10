import { useEffect, useRef } from 'preact/hooks';
import { shortcuts } from './keyboard.ts';
import { VerdictMark } from './verdict.tsx';

export function Help({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" onClose={onClose} aria-label="Help">
      <h2>Keys</h2>
      <dl>
        {shortcuts.map(([keys, action]) => (
          <div key={keys}>
            <dt>
              {keys.split('  ').map((each) => (
                <kbd key={each}>{each}</kbd>
              ))}
            </dt>
            <dd>{action}</dd>
          </div>
        ))}
      </dl>
      <h2>Arrows and marks</h2>
      <ul class="legend">
        <li>
          <Line verdict="forwarded" /> <VerdictMark verdict="forwarded" /> solid line
        </li>
        <li>
          <Line verdict="dropped" /> <VerdictMark verdict="dropped" /> short dashes
        </li>
        <li>
          <Line verdict="mixed" /> <VerdictMark verdict="mixed" /> long and short dashes, with the share that was
          dropped
        </li>
        <li>
          <Line verdict="audited" /> <VerdictMark verdict="audited" /> dots
        </li>
        <li>
          <Line verdict="error" /> <VerdictMark verdict="error" /> long dashes
        </li>
      </ul>
      <p>
        Filters are the flags of <code>hubble observe</code>, for instance{' '}
        <code>--to-pod shop/cart --http-status 5+</code>. They stay in the address of the page.
      </p>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}

function Line({ verdict }: { readonly verdict: string }) {
  return (
    <svg class="legend-line" viewBox="0 0 46 8" aria-hidden="true">
      <path class={`edge ${verdict}`} d="M1,4 H45" />
    </svg>
  );
}
