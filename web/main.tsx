import { render } from 'preact';
import { createStore } from './store.ts';
import { App } from './view/app.tsx';
import { applyTheme, savedTheme } from './view/theme.ts';

const root = document.getElementById('app');
if (root) {
  applyTheme(savedTheme());
  const store = createStore();
  void store.start();
  // In a task of its own: the requests go out when this one is over, and flows are ready when the page has been drawn without them.
  setTimeout(() => render(<App store={store} />, root));
}
