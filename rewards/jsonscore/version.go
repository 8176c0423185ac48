package jsonscore

// Version numbers what [Grade] and [Graded] say: it is raised by every change that gives any text another verdict or score,
// and stands in tables of results, so that two of them can be compared.
const Version = 1
