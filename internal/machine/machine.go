// Package machine asks the system about memory: what is free, and what this process has taken at most.
package machine
