// Package pods knows the labels of Kubernetes' pods, of which it asks the API: one small request for a pod that is met for the first
// time, and again every few minutes. Where the API can't be asked, or refuses, there are no labels, and that is told once.
//
// Labels are no part of a doc's id: a line that is sent again, when they have changed or are not known, is the same doc.
package pods
