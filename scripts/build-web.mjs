// Builds the page of `web/` into `dist/web`, unless what is there is newer than its sources. Takes Node 20.19 or newer.
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { builtPage, pageIsFresh, pageSources } from './page.mjs';

if (!pageIsFresh()) await build();

/** Builds beside the old page and puts the new one in its place, so that two builds at a time do not mix. */
async function build() {
  const vite = await import('vite');
  const fresh = `${builtPage}.${process.pid}`;
  mkdirSync(path.dirname(builtPage), { recursive: true });
  await vite.build({
    root: pageSources,
    configFile: false,
    logLevel: 'warn',
    cacheDir: path.join(pageSources, '..', 'node_modules', '.cache', 'vite'),
    publicDir: false,
    base: './',
    build: {
      outDir: fresh,
      emptyOutDir: true,
      target: 'es2024',
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
    },
  });
  rmSync(builtPage, { recursive: true, force: true });
  renameSync(fresh, builtPage);
}
