package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// documentFilesMax bounds the files of one folder.
const documentFilesMax = 1_000

func applyCommand(f *flags) *cobra.Command {
	var from string
	var dryRun, publish, asJSON bool
	c := &cobra.Command{
		Use: "apply -f FILE|DIR", Short: "Take documents in, as drafts unless --publish", Args: cobra.NoArgs,
		Long: "Reads the YAML documents of a file, of all .yaml and .yml files of a folder, or of standard input (-).\nAll are taken or none; every mistake is named with its file and line.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" {
				return misused("say what to apply: huiyin apply -f FILE")
			}
			docs, err := readDocuments(from, cmd.InOrStdin())
			if err != nil {
				return err
			}
			return f.withNew(cmd, func(ctx context.Context, a *app.App) error {
				done, err := a.House.Apply(ctx, actor(), docs, dryRun, publish)
				if err != nil {
					return err
				}
				return tellApplied(cmd, done, dryRun, asJSON)
			})
		},
	}
	c.Flags().StringVarP(&from, "file", "f", "", "a file, a folder, or - for standard input")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "judge and tell what would change, and change nothing")
	c.Flags().BoolVar(&publish, "publish", false, "publish the programs among them too")
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object on the last line")
	return c
}

func tellApplied(cmd *cobra.Command, done acts.Applied, dryRun, asJSON bool) error {
	type change struct {
		Kind    string `json:"kind"`
		Name    string `json:"name"`
		Change  string `json:"change"`
		Version int    `json:"version"`
	}
	told := struct {
		Changes   []change `json:"changes"`
		Published []string `json:"published"`
		Warnings  []string `json:"warnings"`
		DryRun    bool     `json:"dry_run"`
	}{[]change{}, []string{}, append([]string{}, done.Warnings...), dryRun}
	for _, x := range done.Changes {
		told.Changes = append(told.Changes, change{x.Kind, x.Name, x.Act, x.Version})
		if err := line(cmd, "%-9s  %s %s (version %d)", x.Act, x.Kind, x.Name, x.Version); err != nil {
			return err
		}
	}
	for _, p := range done.Published {
		told.Published = append(told.Published, p.Name)
		if err := line(cmd, "published  Program %s (version %d)", p.Name, p.Version); err != nil {
			return err
		}
	}
	for _, w := range done.Warnings {
		if err := line(cmd, "warning    %s", w); err != nil {
			return err
		}
	}
	if dryRun {
		if err := line(cmd, "dry run: nothing was changed"); err != nil {
			return err
		}
	}
	if asJSON {
		return object(cmd, told)
	}
	return nil
}

// readDocuments reads the documents of a file, of a folder, or of standard input.
func readDocuments(from string, in io.Reader) ([]document.Document, error) {
	if from == "-" {
		return document.Parse(in)
	}
	files, err := documentFiles(from)
	if err != nil {
		return nil, err
	}
	var all []document.Document
	var problems document.Problems
	for _, name := range files {
		docs, err := parseFile(name)
		problems.AddAt(name, err)
		all = append(all, docs...)
	}
	return all, problems.Err()
}

func documentFiles(from string) ([]string, error) {
	info, err := os.Stat(from)
	if err != nil {
		return nil, errs.New(errs.Invalid, codes.FileUnreadable, "there is no file or folder %s, or you may not read it", from)
	}
	if !info.IsDir() {
		return []string{from}, nil
	}
	var files []string
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ext := strings.ToLower(filepath.Ext(path)); ext == ".yaml" || ext == ".yml" {
			files = append(files, path)
		}
		if len(files) > documentFilesMax {
			return errs.New(errs.TooLarge, codes.DocumentTooLarge, "%s holds more than %d files of documents; apply it in parts", from, documentFilesMax)
		}
		return nil
	})
	slices.Sort(files)
	if err == nil && len(files) == 0 {
		err = errs.New(errs.Invalid, codes.FileUnreadable, "%s holds no .yaml file", from)
	}
	return files, err
}

func parseFile(name string) (docs []document.Document, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, errs.New(errs.Invalid, codes.FileUnreadable, "the file can't be read").Because(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	return document.Parse(file)
}

func getCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "get KIND [NAME]", Short: "Give documents back as YAML", Args: cobra.RangeArgs(1, 2),
		Long: "KIND is Program, Questionnaire, Template, Script, Segment, EventType, CapPolicy, RulePack or all.\nWhat is given back can be applied again and changes nothing.",
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, name := args[0], ""
			if len(args) == 2 {
				name = args[1]
			}
			if strings.EqualFold(kind, "all") {
				kind = ""
			}
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				docs, err := a.House.Documents(ctx, kind, name)
				if err != nil {
					return err
				}
				text, err := document.Encode(docs...)
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(text)
				return err
			})
		},
	}
}
