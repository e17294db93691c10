import { useEffect, useState } from 'preact/hooks';
import { verdictMarks, verdictWords } from '../model/explain.ts';
import type { Verdict } from '../model/flow.ts';
import type { Store } from '../store.ts';

const verdicts: readonly Verdict[] = ['forwarded', 'dropped', 'audited', 'error'];

export function FilterBar({ store }: { readonly store: Store }) {
  const { url, fault } = store.state;
  const [text, setText] = useState(url.filter);
  useEffect(() => setText(url.filter), [url.filter]);
  const toggle = (verdict: Verdict): void => {
    const chosen = url.verdicts.includes(verdict)
      ? url.verdicts.filter((each) => each !== verdict)
      : [...url.verdicts, verdict];
    store.changeUrl({ verdicts: chosen });
  };
  return (
    <div class="filters">
      <form
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          store.changeUrl({ filter: text.trim() });
        }}
      >
        <label class="label" for="filter">
          Filter
        </label>
        <input
          id="filter"
          type="search"
          autocomplete="off"
          spellcheck={false}
          placeholder="--from-pod shop/web --to-port 443 --not --verdict FORWARDED"
          value={text}
          aria-invalid={fault !== undefined}
          aria-describedby="fault"
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur();
          }}
        />
        <button type="submit">Apply</button>
        {url.filter !== '' && (
          <button type="button" onClick={() => store.changeUrl({ filter: '' })}>
            Clear
          </button>
        )}
      </form>
      <Namespaces store={store} />
      <fieldset class="verdicts">
        <legend>Verdict</legend>
        {verdicts.map((verdict) => (
          <button
            key={verdict}
            type="button"
            class={verdict}
            title={verdictWords[verdict]}
            aria-pressed={url.verdicts.includes(verdict)}
            onClick={() => toggle(verdict)}
          >
            <span class="mark" aria-hidden="true">
              {verdictMarks[verdict]}
            </span>{' '}
            {verdict}
          </button>
        ))}
      </fieldset>
      <p id="fault" class="fault" role="alert">
        {fault}
      </p>
    </div>
  );
}

function Namespaces({ store }: { readonly store: Store }) {
  const { url, namespaces } = store.state;
  const names = [...new Set([...namespaces, ...url.namespaces])].sort();
  const chosen = new Set(url.namespaces);
  const label = chosen.size === 0 ? 'all namespaces' : url.namespaces.join(', ');
  const toggle = (name: string): void => {
    const next = chosen.has(name) ? url.namespaces.filter((each) => each !== name) : [...url.namespaces, name];
    store.changeUrl({ namespaces: next.sort() });
  };
  return (
    <details class="namespaces">
      <summary>{label}</summary>
      <div class="menu">
        {names.length === 0 && <p>none seen so far</p>}
        {names.map((name) => (
          <label key={name}>
            <input type="checkbox" checked={chosen.has(name)} onChange={() => toggle(name)} /> {name}
          </label>
        ))}
        {chosen.size > 0 && (
          <button type="button" onClick={() => store.changeUrl({ namespaces: [] })}>
            Show all
          </button>
        )}
      </div>
    </details>
  );
}
