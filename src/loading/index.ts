import { enableCompileCache, registerHooks } from 'node:module';
import path from 'node:path';

/** Folder of compiled code, `NODE_COMPILE_CACHE` of programs that are TypeScript from their first file on. */
export const compileCache = path.resolve(import.meta.dirname, '../../node_modules/.cache/compile');

/**
 * Makes the project's own modules load fast, in a process or thread that calls it before it imports them. Compiled code is kept beside the
 * packages, so that TypeScript is stripped once; where that folder is somebody else's, everything is only slower at the start. An import of
 * a file by its name is that file: for each Node would otherwise look for links, folders and the type of their package, which takes a third
 * of the time that hundreds of modules need.
 */
export function prepareLoading(): void {
  enableCompileCache(compileCache);
  registerHooks({
    resolve: (specifier, context, nextResolve) => {
      if (specifier === 'node:http') keepWebOutOfHttp();
      return specifier.startsWith('.') && specifier.endsWith('.ts') && context.parentURL?.endsWith('.ts')
        ? { url: new URL(specifier, context.parentURL).href, format: 'module-typescript', shortCircuit: true }
        : nextResolve(specifier, context);
    },
  });
}

/**
 * Node's `http` has three names of the web, which it loads with all of `fetch` when somebody asks for them. An import of `http` asks for
 * every name that it lists, and this takes longer than everything else it loads. They stay names of the module, and of the process.
 */
function keepWebOutOfHttp(): void {
  const http = process.getBuiltinModule('node:http');
  for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent']) {
    const property = Object.getOwnPropertyDescriptor(http, name);
    if (property?.get && property.configurable) Object.defineProperty(http, name, { ...property, enumerable: false });
  }
}
