package main

import (
	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/importer"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
)

func eventsCommand(f *flags) *cobra.Command {
	c := &cobra.Command{Use: "events", Short: "Events, before they are sent"}
	c.AddCommand(eventsCheckCommand(f))
	return c
}

func eventsCheckCommand(*flags) *cobra.Command {
	x := &fileFlags{}
	var documents string
	c := &cobra.Command{
		Use: "check FILE", Short: "Judge events by the catalogue, and take none", Args: cobra.ExactArgs(1),
		Long: "Needs no database: the catalogue is the one that ships, and the event types of the documents given with -f.\nExits with 1 if an event would be refused.",
		RunE: func(cmd *cobra.Command, args []string) error {
			catalogue, err := catalogueOf(documents, cmd)
			if err != nil {
				return err
			}
			refused := 0
			err = x.read(cmd, args[0], func(j *importer.Job) error {
				err := importer.CheckEvents(cmd.Context(), catalogue, j, clock.System{}.Now())
				refused = j.Report.Refused
				return err
			})
			if err == nil && refused > 0 {
				return &quietError{"events would be refused"}
			}
			return err
		},
	}
	x.add(c)
	c.Flags().StringVarP(&documents, "file", "f", "", "a file or folder of documents with further event types")
	return c
}

func catalogueOf(documents string, cmd *cobra.Command) (*event.Catalogue, error) {
	if documents == "" {
		return event.NewCatalogue()
	}
	docs, err := readDocuments(documents, cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	var types []*event.Type
	var problems document.Problems
	for _, d := range docs {
		if d.Kind != document.KindEventType {
			continue
		}
		t, err := program.EventType(d)
		problems.Add(d.Locate(err))
		types = append(types, t)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return event.NewCatalogue(types...)
}
