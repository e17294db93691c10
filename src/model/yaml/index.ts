export { fieldSteps, type Locate, locator } from './positions.ts';
export { parseTypedYaml, type TypedYaml } from './typed.ts';
