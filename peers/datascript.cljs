;; DataScript with native EDN, as nbb-logseq bundles it: a question a line, an answer a line.
(ns peers.datascript
  (:require [clojure.edn :as edn]
            [datascript.core :as d]
            ["readline" :as readline]))

(def db (atom (d/empty-db)))

(defn answer [line]
  (cond
    (.-world line)
    (let [world (.-world line)]
      (reset! db (reduce (fn [db data] (d/db-with db (edn/read-string data)))
                         (d/empty-db (edn/read-string (.-schema world)))
                         (.-transactions world)))
      true)

    (.-pull line)
    (d/pull @db (edn/read-string (.-pull line)) (edn/read-string (.-entity line)))

    :else
    (apply d/q (edn/read-string (.-query line)) @db
           (concat (when (.-rules line) [(edn/read-string (.-rules line))])
                   (map edn/read-string (.-inputs line))))))

(defn reply [text]
  (try
    (binding [*print-namespace-maps* false]
      #js {:edn (pr-str (answer (js/JSON.parse text)))})
    (catch :default error
      #js {:error (or (ex-message error) (str error))})))

(.on (readline/createInterface #js {:input js/process.stdin :terminal false})
     "line"
     (fn [text] (.write js/process.stdout (str (js/JSON.stringify (reply text)) "\n"))))
