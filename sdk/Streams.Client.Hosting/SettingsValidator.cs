using Microsoft.Extensions.Options;

namespace Streams.Client.Hosting;

/// <summary>Names everything that is wrong with a client's settings: what a section could not be read, and what the client
/// refuses.</summary>
internal sealed class SettingsValidator(string name) : IValidateOptions<StreamsSettings>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, StreamsSettings options)
    {
        if (name != Name)
        {
            return ValidateOptionsResult.Skip;
        }

        List<string> faults = [.. options.SectionFaults];
        int clusters = faults.Count;
        StreamsClientOptions made = options.ToOptions(faults);
        bool isClusterNamed = faults.Count > clusters;
        foreach (string fault in made.FindFaults())
        {
            // "0 given" is no news where each was refused already.
            if (!isClusterNamed || made.Clusters.Count > 0 || !fault.StartsWith("Clusters: 1 to", StringComparison.Ordinal))
            {
                faults.Add(fault);
            }
        }

        faults.AddRange(options.Health.Faults());
        string who = Name.Length == 0 ? "Streams client" : $"Streams client '{Name}'";
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults.ConvertAll(f => $"{who}: {f}"));
    }

    private string Name => name;
}
