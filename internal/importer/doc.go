// Package importer reads files of rows: CSV, TSV and NDJSON, from a disk or a
// pipe, in UTF-8, UTF-16 or GBK, of any length in bounded memory.
//
// A broken row costs only itself, wherever it stands: an unclosed quotation mark in
// the middle of a million rows doesn't swallow the rest. Each refused row is
// reported with its line and what to mend. Headings are read as people write
// them, in Chinese or English.
//
// Reader gives rows; Customers, Events, List and Assignments know what columns
// mean and hand batches to package acts. Nothing here writes tables.
package importer
