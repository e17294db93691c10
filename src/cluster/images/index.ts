export {
  type CatalogueImage,
  type ImageCatalogue,
  type ImageCatalogueOptions,
  imageCatalogue,
  type ResidentProgram,
} from './catalogue.ts';
