// Command logctl turns the logs of a few servers into answers.
package main

import (
	"os"

	"logctl/cmd"
)

func main() { os.Exit(cmd.Main(os.Args[1:])) }
