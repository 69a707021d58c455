package main

import (
	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/trial"
)

// simulateCommand lives one world through, from its seed.
func simulateCommand(*flags) *cobra.Command {
	var c trial.Config
	var asJSON bool
	cmd := &cobra.Command{
		Use: "simulate", Short: "Live weeks of many customers through in seconds, from a seed", Args: cobra.NoArgs,
		Long: `Runs the engine itself (router, dispatcher, stores, on SQLite in memory) in virtual time among
simulated customers and providers, and judges from outside whether every promise was kept. With
--faults nodes crash and stall, providers misbehave and clocks are off. The same seed gives the
same run, step for step: compare trace_hash. A broken promise is told as the story of the customer
it befell, and fails the command.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.CPU = trial.CPU
			r, err := trial.Run(cmd.Context(), c)
			if err != nil {
				return err
			}
			for _, s := range r.Stories {
				if err := line(cmd, "%s", s); err != nil {
					return err
				}
			}
			if asJSON {
				err = object(cmd, r)
			} else {
				err = line(cmd, "seed %d: %d contacts, %d crashes, %d steps over %.0f days, %.0f contacts per CPU second, %d violations; trace %s",
					r.Seed, r.Contacts, r.Crashes, r.Turns, r.VirtualDays, r.ContactsPerCPUSecond, len(r.Violations), r.TraceHash)
			}
			if err == nil && r.Broken() {
				err = &quietError{"a promise was broken"}
			}
			return err
		},
	}
	cmd.Flags().Uint64Var(&c.Seed, "seed", 1, "what everything is drawn from")
	cmd.Flags().IntVar(&c.Customers, "customers", 0, "how many customers (40)")
	cmd.Flags().IntVar(&c.Days, "days", 0, "days of events (21); it goes on until every follow-up has ended")
	cmd.Flags().IntVar(&c.Nodes, "nodes", 0, "nodes sharing the database (3)")
	cmd.Flags().BoolVar(&c.Faults, "faults", false, "with crashes, stalls, misbehaving providers, skewed clocks …")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as one JSON object on the last line")
	return cmd
}
