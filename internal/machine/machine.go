// Package machine asks the system about memory: what there is, what is free, and what this process has taken at most.
package machine
