export { check, constants, int32, native, SystemCallError, setOption, socketAddress } from './libc.ts';
export { inNetworkNamespace, openStreamSocketIn } from './namespace.ts';
export {
  closeDescriptor,
  makeListenerTransparent,
  openTransparentSocket,
  type TransparentSocketOptions,
} from './sockets.ts';
export { openTerminal, resizeTerminal, type Terminal } from './terminal.ts';
