/// The one stylesheet. Colours keep a contrast of 4.5 to 1 for text and 3 to 1 for borders of inputs, light and dark.
enum Stylesheet {
    static let text = [base, frame, forms, tables, charts].joined()

    private static let base = """
        :root{color-scheme:light dark;--paper:#fff;--ink:#1a1f24;--soft:#525b66;--line:#767f8a;--faint:#d5dae0;--band:#eef2f6;--link:#0b5394;
        --button:#0b5394;--onbutton:#fff;--bad:#a4161a;--badpaper:#fdecec;--good:#14532d;--goodpaper:#e8f6ec;--warn:#6b4700;--warnpaper:#fff4d6}
        @media (prefers-color-scheme:dark){:root{--paper:#14181c;--ink:#e6e9ec;--soft:#a9b4bf;--line:#8a96a3;--faint:#333b44;--band:#1f262d;
        --link:#8ec5ff;--button:#8ec5ff;--onbutton:#0c1a28;--bad:#ff9c9c;--badpaper:#3a1b1d;--good:#9be3b2;--goodpaper:#17301f;--warn:#ffd98a;
        --warnpaper:#352b12}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,"Hiragino Sans","Noto Sans CJK JP","Yu Gothic UI",sans-serif;
        overflow-wrap:anywhere}
        a{color:var(--link)}
        h1{font-size:1.5rem;line-height:1.3;margin:.2em 0 .6em}h2{font-size:1.2rem;margin:1.6em 0 .5em}h3{font-size:1.05rem;margin:1.2em 0 .4em}
        h1,h2,h3{text-wrap:balance}
        :focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:2px}main:focus{outline:none}
        pre,code{font-family:ui-monospace,Menlo,Consolas,"Noto Sans Mono CJK JP",monospace;font-size:.92em}
        pre{white-space:pre-wrap;background:var(--band);padding:.6em .8em;margin:.5em 0;overflow:auto}
        .unseen,.skip:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
        .skip:focus{position:absolute;top:.4em;left:.4em;background:var(--paper);padding:.5em 1em;z-index:2}
        .soft,.empty{color:var(--soft)}

        """

    private static let frame = """
        header.top{display:flex;flex-wrap:wrap;gap:.4em 1.2em;justify-content:space-between;align-items:center;background:var(--band);
        border-bottom:1px solid var(--faint);padding:.5em 1em}
        header.top p,header.top form{margin:0}
        .brand{display:flex;flex-wrap:wrap;gap:.2em .8em;align-items:baseline}.product{font-weight:700;font-size:1.15rem;text-decoration:none}
        .host{color:var(--soft)}.who,.languages{display:flex;flex-wrap:wrap;gap:.4em .9em;align-items:center}
        .badge{display:inline-block;border:1px solid var(--line);border-radius:1em;padding:0 .6em;margin-left:.5em;font-size:.85em}
        .frame{display:grid;grid-template-columns:16.5rem minmax(0,1fr);max-width:80rem;margin:0 auto;min-height:75vh}
        .frame.plain{grid-template-columns:minmax(0,1fr);max-width:56rem}
        main{padding:1em 1.4em 2em}
        .menu{border-right:1px solid var(--faint);padding:1em .6em}.menu ul{list-style:none;margin:0;padding:0}.menu ul ul{padding-left:.8em}
        .menu a{display:block;overflow-wrap:break-word;padding:.35em .6em;margin:.1em 0;border-radius:4px;text-decoration:none}.menu a:hover{background:var(--band)}
        .menu a[aria-current]{background:var(--button);color:var(--onbutton)}
        .path{margin:0;color:var(--soft);font-size:.92em}
        .notice{border-left:5px solid var(--line);background:var(--band);padding:.5em 1em;margin:0 0 1em}.notice p{margin:.2em 0}
        .notice.done{border-color:var(--good);background:var(--goodpaper)}.notice.warning{border-color:var(--warn);background:var(--warnpaper)}
        .notice.failure,.summary{border-color:var(--bad);background:var(--badpaper)}
        footer{border-top:1px solid var(--faint);color:var(--soft);padding:.4em 1em;font-size:.9em}footer p{margin:0}
        .letters,.tabs,.pager,.buttons{display:flex;flex-wrap:wrap;gap:.4em .7em;align-items:center;margin:.8em 0}
        .tabs a{padding:.15em .8em;border:1px solid var(--faint);border-radius:4px;text-decoration:none}
        .letters a,.letters span{min-width:1.9em;text-align:center;padding:.15em .4em;border:1px solid var(--faint);border-radius:4px;text-decoration:none}
        .letters [aria-current],.tabs [aria-current]{background:var(--button);color:var(--onbutton)}
        .tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15rem),1fr));gap:.8em;padding:0;margin:1em 0;list-style:none}
        .tiles>*{border:1px solid var(--faint);border-radius:6px;padding:.7em .9em}.tiles p{margin:.2em 0;color:var(--soft);font-size:.94em}
        .tiles strong{font-size:1.3em}
        .state{white-space:nowrap}.state.good{color:var(--good)}.state.bad{color:var(--bad)}.state.open{color:var(--warn)}
        @media (max-width:46rem){.frame{grid-template-columns:minmax(0,1fr)}.menu{border-right:0;border-bottom:1px solid var(--faint);padding:.4em .8em}
        .menu ul{display:flex;flex-wrap:wrap;gap:.1em .3em}.menu ul ul{width:100%}main{padding:.8em}}
        @media print{.menu,.who,.buttons,.skip{display:none}.frame{display:block}}

        """

    private static let forms = """
        .field{display:grid;grid-template-columns:minmax(10rem,18.5rem) minmax(0,1fr);align-items:start;gap:.2em 1em;padding:.6em 0;border-top:1px solid var(--faint)}
        .field>.name{font-weight:600;padding-top:.3em}fieldset.field{border-width:1px 0 0;margin:0;min-width:0}
        .field p{margin:.2em 0}legend.name{float:left}.rows>div{grid-column:1/-1}
        .field.wrong{background:var(--badpaper);box-shadow:-5px 0 0 var(--bad);padding-left:.5em}
        .problem{color:var(--bad);margin:.2em 0;font-weight:600}.off{color:var(--soft);margin:.2em 0}
        input,select,textarea,button{font:inherit;color:inherit;max-width:100%}
        input:not([type=checkbox],[type=radio]),select,textarea{background:var(--paper);border:1px solid var(--line);border-radius:4px;padding:.3em .5em}
        input:not([type=checkbox],[type=radio],.short),textarea{width:100%}input.short{width:12em}textarea{resize:vertical;min-height:2.6em}
        [aria-invalid=true]{border-color:var(--bad)!important;border-width:2px!important}
        input[readonly],textarea[readonly],:disabled{background:var(--band)!important;color:var(--soft)}
        input[type=checkbox],input[type=radio]{width:1.2em;height:1.2em;vertical-align:-.2em;margin:.3em .4em .3em 0;accent-color:var(--button)}
        .ticks{display:flex;flex-wrap:wrap;gap:.1em 1.2em}.again{margin-top:.4em}
        details.help{color:var(--soft);font-size:.92em;margin:.25em 0 0}details.help summary{cursor:pointer;display:inline-block;color:var(--link)}
        details.help p{margin:.2em 0 .4em}
        button,.button{background:var(--button);color:var(--onbutton);border:1px solid var(--button);border-radius:4px;padding:.4em 1.3em;cursor:pointer;
        text-decoration:none;display:inline-block}
        button.quiet,button[type=reset],.button.quiet{background:transparent;color:var(--link);border-color:var(--line)}
        button.danger{background:var(--bad);border-color:var(--bad);color:var(--paper)}
        .summary{border-left:5px solid var(--bad);padding:.5em 1em;margin:0 0 1em}.summary h2{margin:.2em 0;font-size:1.05rem}.summary ul{margin:.3em 0}
        .search{display:flex;flex-wrap:wrap;gap:.5em;align-items:end;margin:.6em 0}.search input:not([type=checkbox]){width:16em}
        .search label,.filter label{display:block;font-size:.92em;color:var(--soft)}
        .filter{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,18rem),1fr));gap:.5em 1em;align-items:end;margin:.6em 0}
        .filter p{margin:0}.filter select{width:100%}
        .cells input{min-width:6em}.value{margin:.3em 0;white-space:pre-wrap}
        @media (max-width:46rem){.field{grid-template-columns:minmax(0,1fr)}}

        """

    private static let tables = """
        .wide{overflow-x:auto;margin:.8em 0}table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.3em 0}
        th,td{border-bottom:1px solid var(--faint);padding:.35em .6em;text-align:left;vertical-align:top;min-width:6em}
        thead th{background:var(--band);overflow-wrap:normal;min-width:0}.cells td{min-width:0}
        tbody th{font-weight:600}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:0}
        dl.facts{display:grid;grid-template-columns:minmax(8rem,max-content) minmax(0,1fr);gap:.25em 1em}dl.facts dt{font-weight:600}dl.facts dd{margin:0}
        @media (max-width:46rem){dl.facts{grid-template-columns:minmax(0,1fr)}}

        """

    private static let charts = """
        figure.chart{margin:1em 0}figure.chart>svg{width:100%;height:auto;display:block}.chart figcaption{font-weight:600}
        .chart text{fill:var(--soft);font-size:11px}.chart .grid{stroke:var(--faint);stroke-width:1}.chart .axis{stroke:var(--line);stroke-width:1}
        .chart .curve{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
        .chart .ground{stroke:var(--c);fill:var(--c);fill:color-mix(in srgb,var(--c) 40%,var(--paper))}
        .legend{display:flex;flex-wrap:wrap;gap:.2em 1.1em;padding:0;margin:.3em 0;list-style:none;font-size:.92em}
        .legend svg{width:1.6em;height:.8em;display:inline-block;vertical-align:baseline}
        .c0{--c:#0b6bcb}.c1{--c:#c2410c}.c2{--c:#15803d}.c3{--c:#7e22ce}.c4{--c:#a16207}.c5{--c:#be185d}.c6{--c:#0f766e}.c7{--c:#57606a}
        .dash1{stroke-dasharray:7 3}.dash2{stroke-dasharray:2 3}.dash3{stroke-dasharray:9 3 2 3}
        .qr{width:17rem;max-width:100%;height:auto;display:block;margin:1em 0;forced-color-adjust:none}
        .qr rect{fill:#fff}.qr path{stroke:#000;stroke-width:1;shape-rendering:crispEdges}
        @media (prefers-color-scheme:dark){.c0{--c:#79b8ff}.c1{--c:#ffab70}.c2{--c:#85e89d}.c3{--c:#d2a8ff}.c4{--c:#ffdf5d}.c5{--c:#ff9bce}
        .c6{--c:#76e3d5}.c7{--c:#b1bac4}}

        """
}
