import type { State, Store } from '../store.ts';
import { toggleTheme } from './theme.ts';

export function TopBar({ store, onHelp }: { readonly store: Store; readonly onHelp: () => void }) {
  const { state } = store;
  const isLive = state.source?.kind !== 'recording';
  return (
    <header class="top">
      <h1>
        <Logo /> Ciliate <span class="product">flows</span>
      </h1>
      <p class={`connection ${state.connection}`} role="status">
        <span class="dot" aria-hidden="true" /> {connectionText(state)}
      </p>
      <span class="spacer" />
      {isLive && (
        <button type="button" aria-pressed={state.connection === 'paused'} onClick={() => store.togglePause()}>
          {state.connection === 'paused' ? '▶ Go on' : '❚❚ Pause'}
        </button>
      )}
      <button type="button" title="Light or dark (l)" onClick={toggleTheme}>
        ◐ Theme
      </button>
      <button type="button" title="Keys and marks (?)" onClick={onHelp}>
        ? Help
      </button>
    </header>
  );
}

function connectionText({ connection, source, received, lost }: State): string {
  const name = source?.name ?? 'Hubble';
  const from = source?.kind === 'recording' ? `recording ${name}` : name;
  const kept = (received.end() - received.first()).toLocaleString('en');
  const all = received.end().toLocaleString('en');
  const isCut = source?.kind === 'recording' && received.first() > 0;
  const flows = isCut ? `the last ${kept} of ${all} flows` : `${all} flows`;
  const losses = [
    lost.server > 0 ? `${lost.server.toLocaleString('en')} lost before Hubble` : '',
    lost.browser > 0 ? `${lost.browser.toLocaleString('en')} left out here` : '',
  ].filter((text) => text !== '');
  const suffix = losses.length > 0 ? `, ${losses.join(', ')}` : '';
  switch (connection) {
    case 'connecting':
      return `connecting to ${from}`;
    case 'streaming':
      return source?.kind === 'recording' ? `reading ${from}, ${flows}` : `live from ${from}, ${flows}${suffix}`;
    case 'paused':
      return `paused, ${flows}${suffix}`;
    case 'waiting':
      return `no connection to ${from}, trying again`;
    case 'ended':
      return `${from}, ${flows}${suffix}`;
  }
}

function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <ellipse cx="16" cy="16" rx="8" ry="5.5" />
      <path d="M8 9l2 3M13 6.5l1 3.5M19 6.5l-1 3.5M24 9l-2 3M8 23l2-3M13 25.5l1-3.5M19 25.5l-1-3.5M24 23l-2-3" />
    </svg>
  );
}
