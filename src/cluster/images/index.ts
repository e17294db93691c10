export { type CatalogueImage, type ImageCatalogue, type ImageCatalogueOptions, imageCatalogue } from './catalogue.ts';
