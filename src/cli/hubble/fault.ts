export { FlagFault as Fault } from '../../hubble/index.ts';
