# Writes the values of odds.json: McFadden's R2 of every subset of four drivers, by R's glm (stats)
# and polr (MASS), and the general dominance weights (average gain over all orders of entry) of
# Azen and Traxel (2009) from them. Run:
#   python tests/reference/odds.py answers > answers.csv && Rscript tests/reference/odds.R answers.csv
library(MASS)
rows <- read.csv(commandArgs(TRUE)[1])
names <- c("a", "b", "c", "d")
fit <- function(subset, kind) {
  right <- if (length(subset)) paste(subset, collapse = "+") else "1"
  if (kind == "logistic") {
    model <- glm(as.formula(paste("yes ~", right)), binomial, rows, weights = w,
                 control = glm.control(epsilon = 1e-14, maxit = 100))
    p <- fitted(model)
    return(sum(rows$w * log(ifelse(rows$yes == 1, p, 1 - p))))
  }
  model <- polr(as.formula(paste("factor(grade) ~", right)), rows, weights = w,
                control = list(reltol = 1e-15, maxit = 1000))
  as.numeric(logLik(model))
}
for (kind in c("logistic", "ordered")) {
  worth <- sapply(0:15, function(s) fit(names[bitwAnd(s, 2^(0:3)) > 0], kind))
  worth <- suppressWarnings(1 - worth / worth[1])
  share <- sapply(0:3, function(j) {
    without <- Filter(function(s) bitwAnd(s, 2^j) == 0, 0:15)
    size <- sapply(without, function(s) sum(bitwAnd(s, 2^(0:3)) > 0))
    sum((worth[without + 2^j + 1] - worth[without + 1]) / (4 * choose(3, size)))
  })
  cat(kind, "r2", format(worth[16], digits = 12), "weights", format(share, digits = 12), "\n")
}
