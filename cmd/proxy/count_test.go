package main

import (
	"strconv"
	"strings"
)

func countLines(text, part string) string {
	n := 0
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			n++
		}
	}
	return strconv.Itoa(n)
}
