// Package wording is what customers read when they allow something: a text per
// purpose, in their language, under a version that a consent can name.
//
// A kit in Chinese and English ships with the product. A document of kind
// Wording with the name of a purpose takes the place of the kit's; each version
// of it is kept, so that years later a consent still shows the very words it was
// given to. A version of the kit's own is never changed, a new one is added.
package wording
