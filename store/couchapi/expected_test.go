package couchapi

// expectedFailures are the cases ("group/case") and steps ("group/case/3") of the transcripts that this server does not
// answer as CouchDB does, with the reason. A step that passes in spite of its entry fails the test, and so does a case
// whose steps all pass: the table is what differs, no more and no less.
var expectedFailures = map[string]string{}
