using System.Reflection;
using System.Text;

namespace Streams.Server;

/// <summary>What <c>--help</c> and <c>--version</c> print.</summary>
internal static class HelpText
{
    public static string Version { get; } =
        typeof(HelpText).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?
            .InformationalVersion.Split('+')[0] ?? "0.0.0";

    public static string Usage()
    {
        StringBuilder text = new();
        text.Append("Streams ").Append(Version).Append(": an event store for things that move.\n\n");
        text.Append("Usage: Streams.Server [options]      without any it serves cluster 'local' from ./streams-data\n");
        Verb(text, VerifyVerb.Usage, "check every byte of a data directory; changes nothing");
        Verb(text, DumpVerb.Usage, "the records of the log, one a line; changes nothing");
        text.Append('\n');
        foreach (OptionKey key in OptionKey.All)
        {
            text.Append("  ").Append($"{key.Switch} {key.ValueName}".PadRight(32)).Append(key.Text).Append('\n');
        }

        text.Append("  ").Append("--help".PadRight(32)).Append("this text\n");
        text.Append("  ").Append("--version".PadRight(32)).Append("the version\n\n");
        text.Append("Options may also stand in appsettings.json (section Streams: \"Mqtt\", \"LinkTo\": [...]), or in the environment\n");
        text.Append("(STREAMS__MQTT, STREAMS__LINKTO__0); the command line wins over the environment, the environment over the file.\n");
        text.Append("Ports may be 0: a free one is taken and named in the line that begins with 'ready:'.\n\n");
        text.Append("Exit codes: 0 stopped as asked, 1 could not start or the disk failed, 2 wrong configuration.\n");
        text.Append("Of verify and dump: 0 done, and of verify that all is good; 1 something is damaged; 2 wrong usage.\n");
        return text.ToString();
    }

    private static void Verb(StringBuilder text, string usage, string does) =>
        text.Append("       Streams.Server ").Append(usage).Append("\n         ").Append(does).Append('\n');
}
