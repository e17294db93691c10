export { downCommand } from './down.ts';
export { envCommand } from './env.ts';
export { statusCommand } from './status.ts';
export { upCommand } from './up.ts';
