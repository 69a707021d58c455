// Package vaulttest gives tests a vault.
//
// It lies in memory, or at an address a test chooses, and its chance comes from
// a seed. What is sealed in it is gone with it.
package vaulttest
