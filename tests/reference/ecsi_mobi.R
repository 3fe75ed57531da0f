# Made ecsi_mobi_htmt.json: HTMT and HTMT2 of the mobi data by R semTools 0.5-6 (GPL; run by hand).
#
#   Rscript tests/reference/ecsi_mobi.R mobi.csv > tests/reference/ecsi_mobi_htmt.json
#
# The data are those of ecsi_mobi.py. Correlations are taken as absolute numbers.
suppressMessages(library(semTools))
data <- read.csv(commandArgs(TRUE)[1])
model <- "
image =~ IMAG1 + IMAG2 + IMAG3 + IMAG4 + IMAG5
expectation =~ CUEX1 + CUEX2 + CUEX3
quality =~ PERQ1 + PERQ2 + PERQ3 + PERQ4 + PERQ5 + PERQ6 + PERQ7
value =~ PERV1 + PERV2
satisfaction =~ CUSA1 + CUSA2 + CUSA3
loyalty =~ CUSL1 + CUSL2 + CUSL3
"
told <- function(squared) {
  r <- unclass(htmt(model, data = data, htmt2 = squared, absolute = TRUE))
  at <- which(lower.tri(r), arr.ind = TRUE)
  lines <- sprintf('  "%s · %s": %.10f', colnames(r)[at[, 2]], rownames(r)[at[, 1]], r[at])
  paste(lines, collapse = ",\n")
}
cat('{\n "htmt": {\n', told(FALSE), '\n },\n "htmt2": {\n', told(TRUE), "\n }\n}\n", sep = "")
