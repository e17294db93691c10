import { useState } from 'preact/hooks';
import { explain, summarize } from '../model/explain.ts';
import { filterBetween } from '../model/filters.ts';
import type { ShownFlow } from '../model/flow.ts';
import type { Store } from '../store.ts';
import { VerdictMark } from './verdict.tsx';

export function FlowPanel({ store, shown }: { readonly store: Store; readonly shown: ShownFlow }) {
  const between = filterBetween(shown);
  return (
    <>
      <p class={`sentence ${shown.verdict}`}>{summarize(shown)}</p>
      <p>
        <VerdictMark verdict={shown.verdict} /> <time>{shown.flow.time}</time>
      </p>
      <ol class="steps">
        {explain(shown).map(({ title, text, commands }) => (
          <li key={`${title} ${text}`} class={title.startsWith('Denied') ? 'denied' : ''}>
            <h3>{title}</h3>
            <p>{text}</p>
            {commands.map((command) => (
              <CommandLine key={command} command={command} />
            ))}
          </li>
        ))}
      </ol>
      {between !== undefined && (
        <p>
          <button type="button" onClick={() => store.changeUrl({ filter: between })}>
            Only flows between these two
          </button>
        </p>
      )}
      <details>
        <summary>JSON</summary>
        <pre>{JSON.stringify(shown.flow, null, 2)}</pre>
      </details>
    </>
  );
}

function CommandLine({ command }: { readonly command: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(command);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <div class="command">
      <code>{command}</code>
      <button type="button" onClick={() => void copy()}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}
