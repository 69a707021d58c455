package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/measure/report"
)

// addLanguage gives a command --lang; by itself it is the shell's.
func addLanguage(c *cobra.Command, language *string) {
	preset := "en"
	for _, variable := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(variable); v != "" {
			if strings.HasPrefix(v, "zh") {
				preset = "zh-CN"
			}
			break
		}
	}
	c.Flags().StringVar(language, "lang", preset, "zh-CN or en")
}

// in gives a text in a language.
func in(language string, t report.Text) string {
	if strings.HasPrefix(language, "zh") {
		return t.Chinese
	}
	return t.English
}
