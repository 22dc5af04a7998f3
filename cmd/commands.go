package cmd

import "github.com/spf13/cobra"

// commands are the subcommands, in the order of a line's life.
func commands(g *globals) []*cobra.Command {
	return []*cobra.Command{
		newLearn(g),
		newFormat(g),
		newExplain(g),
		newPresets(g),
		newShip(g),
		newReparse(g),
		newStatus(g),
		newReceipts(g),
		newTap(),
		newCron(g),
		newServe(g),
		newFauxton(g),
		newApp(g),
		newUser(g),
		newToken(g),
		newCA(g),
		newJoin(g),
		newAudit(g),
		newDoctor(g),
		newQuery(g),
		newReport(g),
		newDesign(g),
		newReplicate(g),
		newBackup(g),
		newRestore(g),
		newCheck(g),
		newBench(g),
		newDemo(),
		newVersion(),
	}
}
